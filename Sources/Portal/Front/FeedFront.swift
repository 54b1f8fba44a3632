import Feeds
import HTTPTypes
import NIOCore
import NIOHTTP1
import Observability

/// Answers requests for feeds that are already rendered, directly on the connection's event loop.
///
/// Most requests for feeds are for one that has not changed. Such a request costs a look-up and a write here, without a
/// task, a route or a response object. Every other request goes on to the router, and so does every request that
/// arrives while an earlier one of the same connection waits for its answer, since answers must keep the order of the
/// requests.
///
/// The front sits between the decoder of requests and the encoder of answers, so the answers that it writes are already
/// encoded.
final class FeedFront: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = IOData

    private let feeds: FeedResponder
    private let dates: DateHeader
    private let metrics: FeedMetrics
    private let connection: ConnectionGuard
    /// The number of requests that were passed on and are not answered yet.
    private var passedOn = 0
    /// A request that this handler answers once its end has arrived, with the feed.
    private var taken: (request: HTTPRequestHead, feed: RenderedFeed)?
    private var hasWritten = false
    /// The stop of the server, held back until the request under way is answered.
    private var stop: ChannelShouldQuiesceEvent?

    init(feeds: FeedResponder, dates: DateHeader, metrics: FeedMetrics, connection: ConnectionGuard) {
        (self.feeds, self.dates, self.metrics, self.connection) = (feeds, dates, metrics, connection)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            // A peer that does not read its answers gets no more of them here: the way through the router waits.
            if passedOn == 0, context.channel.isWritable, let feed = feed(for: request) {
                taken = (request, feed)
                return
            }
            passedOn += 1
        case .body: if taken != nil { return }
        case .end:
            if let (request, feed) = taken {
                taken = nil
                write(feed, to: request, context)
                connection.answered()
                if let stop { passOn(stop, context) }
                return
            }
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if hasWritten {
            hasWritten = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    /// Holds back the stop of the server: the handlers behind this one do not know of its answer, and would close the
    /// connection over it.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelShouldQuiesceEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        if taken == nil { passOn(event, context) } else { stop = event }
    }

    /// Passes the stop on once everything written has been sent.
    private func passOn(_ event: ChannelShouldQuiesceEvent, _ context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in bound.value.fireUserInboundEventTriggered(event) }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: written)
    }

    /// Notes that a request that was passed on was answered completely.
    fileprivate func countAnswer() { if passedOn > 0 { passedOn -= 1 } }

    private func feed(for request: HTTPRequestHead) -> RenderedFeed? {
        guard request.method == .GET || request.method == .HEAD, request.uri.utf8.starts(with: "/feeds/".utf8),
            request.version == .http1_1, keepsOpen(request), !Self.hasContent(request)
        else { return nil }
        return feeds.rendered(path: request.uri)
    }

    /// Whether the request has a body, or asks before it sends one. The router reads those.
    private static func hasContent(_ request: HTTPRequestHead) -> Bool {
        ["content-length", "transfer-encoding", "expect"].contains { request.headers.contains(name: $0) }
    }

    private func keepsOpen(_ request: HTTPRequestHead) -> Bool {
        guard let connection = request.headers.first(name: "connection") else { return true }
        return connection.lowercased() == "keep-alive"
    }

    private func write(_ feed: RenderedFeed, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let (form, isKnown) = feed.answer(
            acceptEncoding: request.headers.joined("accept-encoding"),
            ifNoneMatch: request.headers.joined("if-none-match"),
            ifModifiedSince: request.headers.first(name: "if-modified-since"))
        let date = dates.line
        let known = isKnown ? form.headIfKnown : form.head
        var head = context.channel.allocator.buffer(capacity: known.readableBytes + date.readableBytes)
        head.writeImmutableBuffer(known)
        head.writeImmutableBuffer(date)
        context.write(wrapOutboundOut(.byteBuffer(head)), promise: nil)
        if !isKnown, request.method == .GET {
            context.write(wrapOutboundOut(.byteBuffer(form.body)), promise: nil)
        }
        metrics.answered(isKnown ? 304 : 200)
        hasWritten = true
    }
}

/// Counts the answers to requests that were passed on, for the front and the guard, and tells the peer which answer is
/// the connection's last.
final class AnswerCount: ChannelOutboundHandler {
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let connection: ConnectionGuard
    private let front: FeedFront?

    init(_ connection: ConnectionGuard, _ front: FeedFront?) { (self.connection, self.front) = (connection, front) }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where connection.answersLast:
            head.headers.replaceOrAdd(name: "connection", value: "close")
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            front?.countAnswer()
            connection.answered()
        default: break
        }
        context.write(data, promise: promise)
    }
}

extension HTTPHeaders {
    /// All values of a list header (RFC 9110, section 5.3).
    fileprivate func joined(_ name: String) -> String? {
        let values = self[name]
        return values.count < 2 ? values.first : values.joined(separator: ", ")
    }
}
