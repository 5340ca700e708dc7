"""What operators make beside extensions: trunks, routes, IVRs, queues, … declared once, with one service."""
