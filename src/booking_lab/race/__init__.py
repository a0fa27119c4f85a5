"""The race kit: many clients against a deployment, and a check of what they were told."""
