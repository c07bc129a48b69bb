"""Linear operators of a model: its Jacobian, its curvature, and the parameters they act on."""
