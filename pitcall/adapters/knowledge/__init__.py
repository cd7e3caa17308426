"""Knowledge stores, embedders and readers of files. Vendors are imported where they are used."""
