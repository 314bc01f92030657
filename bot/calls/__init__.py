"""Video calls: the second transport of a live conversation, over WebRTC."""
