"""Performance gate: what this version costs beside another one, measured in turns in one sitting."""
