"""Everything people outside ask for: one folder a capability, and the doors over them."""
