"""Chapter 0: softmax and masks, the dense layer, recurrent cells."""
