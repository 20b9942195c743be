"""Chapter 2: Gaussian attention, from two bell curves to a tracker."""
