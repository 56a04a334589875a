"""Lesions of the digital head: ischaemic, haemorrhagic and neoplastic, each with its exact cover."""
