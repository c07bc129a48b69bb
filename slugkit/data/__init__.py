"""Images: synthetic and real, from the file to the splits."""
