"""From a wish to a payment: held, judged, approved, planned, signed, sent, final; each written before it is done."""
