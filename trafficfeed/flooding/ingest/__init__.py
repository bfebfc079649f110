"""From the bytes of a source to typed facts: one adapter a file, pure, in SI units and UTC; faults become findings."""
