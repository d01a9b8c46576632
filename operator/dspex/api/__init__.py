"""The five kinds of group dspex.dev: pydantic models, and what is generated from them."""
