"""What contexts above ask and show of time slots: each question in one SQL text, one model."""
