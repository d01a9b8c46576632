"""Fixtures: a stub model endpoint, and workers in this process that use it."""

from collections.abc import AsyncIterator

import pytest

from fakes.openai_endpoint import OpenAIEndpoint


@pytest.fixture
async def endpoint() -> AsyncIterator[OpenAIEndpoint]:
    """An OpenAI-compatible endpoint that answers by script."""
    async with OpenAIEndpoint() as running:
        yield running
