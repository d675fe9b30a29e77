"""What the models of all providers share."""
