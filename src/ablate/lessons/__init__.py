"""What theory says, and the demonstrations of the lectures."""
