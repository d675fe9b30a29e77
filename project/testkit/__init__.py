"""What tests of every package share: real servers on private ports, and ways to disturb them."""
