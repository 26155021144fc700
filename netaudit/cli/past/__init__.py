"""What is asked of past runs."""
