"""One module for each engine that peers.py measures, and what they share."""
