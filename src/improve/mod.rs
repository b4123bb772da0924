//! One round of improvement: weak areas, examples made for them, training, and the gate's decision. Owns
//! how examples are made and which are good enough; knows nothing of the many rounds of an
//! experiment, or of who asks.
