"""A whole fleet on one machine: instances, balancer, pooler, replica, Redis; no containers."""
