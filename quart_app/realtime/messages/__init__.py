"""What is sent: events and messages, their bytes, their shapes, and how they are refused. Knows nobody."""
