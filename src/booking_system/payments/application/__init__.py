"""Application: what people and providers do with payments, and the ports that it needs."""
