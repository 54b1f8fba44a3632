import Feeds
import NIOCore
import NIOHTTP1
import NIOSupport
import Synchronization

/// Bounds the time and the bytes that one connection may take of the server.
///
/// It is the first handler, before the decoder of requests. `RequestGuard`, behind the decoder, reports what became of
/// the bytes: the head of a request, its content, its end. Each report sets a new deadline, by the times in
/// `ConnectionLimits`. A peer that exceeds a bound gets an answer such as 408, 413 or 431, and the connection closes.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private enum Reading { case nothing, head, body }

    private let limits: ConnectionLimits
    private let table: ConnectionTable
    private var entry: ConnectionTable.Entry?
    private var timer = LazyTimer()
    private var deadline = NIODeadline.distantFuture
    private var context: ChannelHandlerContext?

    private var reading = Reading.nothing
    private var readBytes = 0
    /// The number of requests whose head was read and whose answer is not written yet.
    private var unanswered = 0
    /// Whether the request that is being read, or the one before, is the connection's last.
    private var isLast = false
    /// Whether this handler ended the connection with an answer of its own.
    private var isOver = false
    private var isStopping = false
    private var unsentAtLastLook = 0

    init(limits: ConnectionLimits, table: ConnectionTable) { (self.limits, self.table) = (limits, table) }

    // MARK: - The connection

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let entry = ConnectionTable.Entry(context.channel, now: context.eventLoop.now)
        if table.admit(entry) { self.entry = entry }
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard entry != nil else { return refuse(.serviceUnavailable, context) }
        setDeadline(limits.headTime, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        timer.cancel()
        context = nil
        if let entry { table.remove(entry) }
        entry = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // A peer that got its last answer may finish its request, but nobody reads it.
        guard !isOver, !(isLast && unanswered == 0) else { return }
        if reading == .nothing {
            reading = .head
            readBytes = 0
            setDeadline(limits.headTime, context)
        }
        readBytes += unwrapInboundIn(data).readableBytes
        context.fireChannelRead(data)
        judgeSize(context)
        note(context)
    }

    private func judgeSize(_ context: ChannelHandlerContext) {
        if reading == .head, readBytes > limits.headBytes { refuse(.requestHeaderFieldsTooLarge, context) }
        // The framing between chunks is no content, but it must not be a way around the limit.
        if reading == .body, readBytes > 4 * limits.bodyBytes { refuse(.payloadTooLarge, context) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ConnectionTable.MakeRoom:
            if isPeersTurn { return context.close(promise: nil) }
            entry?.isLeaving.store(false, ordering: .relaxed)
        case is ChannelShouldQuiesceEvent:
            isStopping = true
            setDeadline(isPeersTurn ? limits.stopTime : limits.lastAnswerTime, context)
            context.fireUserInboundEventTriggered(event)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// Notes that the decoder failed. Returns false if earlier requests wait for their answers; the handler that writes
    /// the last of those ends the connection.
    func refusesFault(_ status: HTTPResponseStatus) -> Bool {
        guard let context else { return false }
        guard unanswered == (reading == .body ? 1 : 0) else {
            isLast = true
            setDeadline(limits.lastAnswerTime, context)
            return false
        }
        refuse(status, context)
        return true
    }

    // MARK: - Requests

    /// Notes that a head was read. Returns false if the request is refused; nothing of it may then go further.
    func beginRequest(_ fault: HTTPResponseStatus?, isLast: Bool) -> Bool {
        guard let context, !isOver, !self.isLast else { return false }
        unanswered += 1
        reading = .body
        readBytes = 0
        self.isLast = isLast
        if let fault {
            refuse(fault, context)
            return false
        }
        setDeadline(limits.bodyTime, context)
        return true
    }

    /// Notes that a part of the content was read. Returns false if the request is refused.
    func takeContent(tooLarge: Bool) -> Bool {
        guard let context, !isOver, reading == .body else { return false }
        if tooLarge { refuse(.payloadTooLarge, context) }
        return !tooLarge
    }

    /// Notes that a request was read to its end. Returns false if it is refused.
    func endRequest() -> Bool {
        guard let context, !isOver, reading == .body else { return false }
        reading = .nothing
        setDeadline(limits.idleTime, context)
        return true
    }

    /// Whether the answer that is written next is the connection's last.
    var answersLast: Bool { isLast && unanswered == 1 }

    /// Notes that an answer was written completely.
    func answered() {
        guard let context, unanswered > 0 else { return }
        unanswered -= 1
        if isLast, unanswered == 0 {
            setDeadline(limits.lingerTime, context)
        } else if reading == .nothing {
            setDeadline(limits.idleTime, context)
        }
        note(context)
    }

    /// Whether the server waits for the peer: no complete request waits for its answer.
    private var isPeersTurn: Bool { unanswered - (reading == .body ? 1 : 0) <= 0 }

    /// Tells the table whether the server waits for the peer.
    private func note(_ context: ChannelHandlerContext) {
        guard let entry else { return }
        let waits = isPeersTurn || !context.channel.isWritable
        if !waits {
            entry.waitsSince.store(0, ordering: .relaxed)
        } else if reading == .nothing || entry.waitsSince.load(ordering: .relaxed) == 0 {
            // A request that arrives in drips does not make its connection young again.
            entry.waitsSince.store(context.eventLoop.now.uptimeNanoseconds, ordering: .relaxed)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        note(context)
        context.fireChannelWritabilityChanged()
    }

    // MARK: - Time

    private func setDeadline(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        // Once the server stops, no deadline moves outwards.
        let deadline = context.eventLoop.now + time
        self.deadline = isStopping ? min(deadline, self.deadline) : deadline
        arm(context)
    }

    private func arm(_ context: ChannelHandlerContext) {
        timer.arm(deadline, on: context.eventLoop) { [weak self] in self?.timerFired() }
    }

    private func timerFired() {
        timer.fired()
        guard let context else { return }
        guard context.eventLoop.now >= deadline else { return arm(context) }
        if isOver || isStopping || isLast && unanswered == 0 { return context.close(promise: nil) }
        guard isPeersTurn || isStalled(context) else { return setDeadline(limits.idleTime, context) }
        if reading == .nothing, isReadingAnswer(context) { return setDeadline(limits.idleTime, context) }
        reading == .nothing ? context.close(promise: nil) : refuse(.requestTimeout, context)
    }

    /// Whether nothing that was written has left since the last look.
    private func isStalled(_ context: ChannelHandlerContext) -> Bool {
        let unsent = unsent(context)
        defer { unsentAtLastLook = unsent }
        return unsent > 0 && unsent == unsentAtLastLook
    }

    private func isReadingAnswer(_ context: ChannelHandlerContext) -> Bool {
        let unsent = unsent(context)
        defer { unsentAtLastLook = unsent }
        return unsent > 0 && unsent != unsentAtLastLook
    }

    private func unsent(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    // MARK: - Refusing

    /// Answers instead of the server, unless another answer comes first, and ends the connection.
    private func refuse(_ status: HTTPResponseStatus, _ context: ChannelHandlerContext) {
        guard !isOver else { return }
        isOver = true
        guard isPeersTurn, unanswered == (reading == .body ? 1 : 0) else { return context.close(promise: nil) }
        let text = "\(status.code) \(status.reasonPhrase)"
        let head =
            "HTTP/1.1 \(text)\r\nServer: \(FeedHeaders.server)\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Content-Length: \(text.utf8.count + 1)\r\nConnection: close\r\n\r\n\(text)\n"
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer(string: head))), promise: nil)
        // The input remains open for a moment. If it closed with unread bytes, the peer would lose the answer. A
        // connection beyond the limit does not get that moment.
        guard entry != nil else { return context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        setDeadline(limits.lingerTime, context)
    }
}
