"""Tracking stores: their URIs, their tables, requests that end, and what they are asked."""
