"""Speaking: from a written Korean sentence to sound with phoneme timings."""
