"""One road per kind of answer: volume, boxes, mask."""
