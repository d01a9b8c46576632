"""The Pool's tools, made safe to hand to a model: off the loop, limited, in a few words."""

from dspex_worker.tools.finish import finish
from dspex_worker.tools.tool import SafeTool
from dspex_worker.tools.toolbox import ToolBox

__all__ = ["SafeTool", "ToolBox", "finish"]
