"""Independent answers: densities in closed form and the algebra of plates, in NumPy and SciPy."""
