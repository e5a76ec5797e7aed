//! The product: the image and machine workflows behind one facade.
