"""What is not there on a desk: watches, vans, a provider of text messages. They speak only the wire formats."""
