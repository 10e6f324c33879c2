"""What devices say: understood, checked, stored once, acknowledged after the commit."""
