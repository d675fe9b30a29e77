"""Tickets and notices: two small ports and their two adapters (RabbitMQ, in process)."""
