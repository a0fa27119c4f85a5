"""`make audit`: known faults of dependencies, secrets in the repository, a bill of materials.

Runs in a virtual environment of its own (requirements/audit.txt); the program never imports it.
"""
