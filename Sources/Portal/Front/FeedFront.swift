import Feeds
import HTTPTypes
import NIOCore
import NIOHTTP1
import Observability

/// Answers requests for feeds that lie rendered where they arrive, on the connection's event loop; all else it passes
/// on to the router, and so also what comes while an earlier request of the connection is not answered yet.
///
/// It stands between the decoder of requests and the encoder of answers: what it writes is encoded already.
final class FeedFront: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = IOData

    private let feeds: FeedResponder
    private let dates: DateHeader
    private let metrics: FeedMetrics
    private let connection: ConnectionGuard
    /// Requests that were passed on and not answered.
    private var passedOn = 0
    /// A request whose end has not come yet, and its answer.
    private var taken: (request: HTTPRequestHead, feed: RenderedFeed)?
    private var hasWritten = false
    /// The server stops, once the request that was begun is answered.
    private var stop: ChannelShouldQuiesceEvent?

    init(feeds: FeedResponder, dates: DateHeader, metrics: FeedMetrics, connection: ConnectionGuard) {
        (self.feeds, self.dates, self.metrics, self.connection) = (feeds, dates, metrics, connection)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            // Who does not read answers gets no more of them: the way through the router waits.
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

    /// The server stops: what comes after this front would close the connection over an answer that it knows nothing of.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelShouldQuiesceEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        if taken == nil { passOn(event, context) } else { stop = event }
    }

    /// Once all that was written is out.
    private func passOn(_ event: ChannelShouldQuiesceEvent, _ context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in bound.value.fireUserInboundEventTriggered(event) }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: written)
    }

    /// A request that was passed on has its whole answer.
    fileprivate func countAnswer() { if passedOn > 0 { passedOn -= 1 } }

    private func feed(for request: HTTPRequestHead) -> RenderedFeed? {
        guard request.method == .GET || request.method == .HEAD, request.uri.utf8.starts(with: "/feeds/".utf8),
            request.version == .http1_1, keepsOpen(request), !Self.hasContent(request)
        else { return nil }
        return feeds.rendered(path: request.uri)
    }

    /// What comes with a body, or asks before it sends one, is the router's to read.
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

/// Tells the front and the guard which of the requests that they passed on were answered, and the peer which answer is the
/// connection's last.
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
    /// All values of a header that is a list (RFC 9110, section 5.3).
    fileprivate func joined(_ name: String) -> String? {
        let values = self[name]
        return values.count < 2 ? values.first : values.joined(separator: ", ")
    }
}
