"""Chapter 4: encoder and decoder, additive attention, beam search."""
