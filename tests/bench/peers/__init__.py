"""The servers that are measured beside En Vivo, each written as its own documentation recommends for speed."""
