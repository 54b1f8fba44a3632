import Bulletins
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Storage
import Synchronization

/// Answers requests for feeds that lie rendered where they arrive, on the connection's event loop; all else it passes on
/// to the router, and so also what comes while an earlier request of the connection is not answered yet.
final class FeedFront: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let feeds: FeedResponder
    private let dates: DateHeader
    /// Requests that were passed on and not answered.
    private var passedOn = 0
    /// A request whose end has not come yet, and its answer.
    private var taken: (request: HTTPRequest, feed: RenderedFeed)?
    private var hasWritten = false

    init(feeds: FeedResponder, dates: DateHeader) { (self.feeds, self.dates) = (feeds, dates) }

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
                return write(feed, to: request, context)
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

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data), passedOn > 0 { passedOn -= 1 }
        context.write(data, promise: promise)
    }

    private func feed(for request: HTTPRequest) -> RenderedFeed? {
        guard request.method == .get || request.method == .head, let path = request.path,
            path.utf8.starts(with: "/feeds/".utf8), keepsOpen(request)
        else { return nil }
        return feeds.rendered(path: path)
    }

    private func keepsOpen(_ request: HTTPRequest) -> Bool {
        guard let connection = request.headerFields[.connection] else { return true }
        return connection.lowercased() == "keep-alive"
    }

    private func write(_ feed: RenderedFeed, to request: HTTPRequest, _ context: ChannelHandlerContext) {
        let (form, isKnown) = feed.answer(to: request.headerFields)
        var head = HTTPResponse(
            status: isKnown ? .notModified : .ok, headerFields: isKnown ? form.headersIfKnown : form.headers)
        head.headerFields[.date] = dates.now
        head.headerFields[.server] = PortalSettings.serverName
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !isKnown, request.method == .get { context.write(wrapOutboundOut(.body(form.body)), promise: nil) }
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        hasWritten = true
    }
}

/// The header `Date`, written once a second.
final class DateHeader: Sendable {
    private let clock: WallClock
    private let last = Mutex<(second: Int64, text: String)>((.min, ""))

    init(clock: WallClock) { self.clock = clock }

    var now: String {
        let now = clock.now
        return last.withLock { last in
            if last.second != now.seconds { last = (now.seconds, now.httpDate) }
            return last.text
        }
    }
}
