"""Where the camera looks: measured at the depot, and watched on the road."""
