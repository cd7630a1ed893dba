"""What the demo is made of: fits in both flavours, comparison with the reference, the picture."""
