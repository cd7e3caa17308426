"""The edge to files, feeds and vendors. Vendors are imported inside constructors."""
