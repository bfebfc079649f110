"""The feeds' way past the framework: an ASGI layer that answers what is held in memory, and passes on the rest."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.feeds import Feeds, answer


class FastPath:
    """Answers GET and HEAD of feeds that anybody may have; a poll that has the content costs one comparison."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from the board, or pass on."""
        if scope["type"] != "http" or scope["query_string"] or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        feeds: Feeds = scope["app"].state.services.feeds
        board = feeds.board
        document = board.open.get(scope["path"])
        if document is None:
            await self.app(scope, receive, send)
            return
        now = feeds.clock()
        found = answer(document, dict(scope["headers"]), board.freshness(now))
        remember = scope.get("extensions", {}).get("trafficfeed.remember")
        if remember is not None:  # the server repeats the answer by itself: trafficfeed.running.repeated_requests
            stale = board.is_stale(now)
            remember["call"](
                found.status,
                found.headers,
                found.body,
                lambda: feeds.board is board and board.is_stale(feeds.clock()) == stale,
            )
        body = b"" if scope["method"] == "HEAD" else found.body
        await send({"type": "http.response.start", "status": found.status, "headers": list(found.headers)})
        await send({"type": "http.response.body", "body": body})
