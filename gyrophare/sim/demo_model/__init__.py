"""The network of the demo: pictures of the rendered road, training on them, and what came of it."""
