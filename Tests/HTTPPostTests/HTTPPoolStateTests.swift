import Testing

@testable import HTTPPost

/// The pool's decisions without connections.
@Suite struct HTTPPoolStateTests {
    final class Link: Sendable {}
    typealias State = HTTPPoolState<Link, Int>

    private let a = Origin(isTLS: true, host: "a", port: 443)
    private let b = Origin(isTLS: true, host: "b", port: 443)

    private func connects(_ submission: State.Submission) -> Bool {
        if case .queued(connect: true, _) = submission { true } else { false }
    }

    private func served(_ release: State.Release) -> Int? {
        if case .serve(let waiter) = release { waiter } else { nil }
    }

    private func isIdle(_ release: State.Release) -> Bool {
        if case .idle = release { true } else { false }
    }

    @Test func lastInFirstOut() {
        var state = State(perHost: 4, maximum: 4, maximumWaiting: 9)
        let links = [Link(), Link()]
        for (number, link) in links.enumerated() {
            #expect(connects(state.submit(number, to: a)))
            #expect(served(state.connected(link, to: a)) == number)
        }
        for link in links { #expect(isIdle(state.released(link, of: a))) }
        guard case .use(let used) = state.submit(2, to: a) else {
            Issue.record("no idle connection used")
            return
        }
        #expect(used === links[1])
    }

    @Test func aNearOneIsTakenBeforeTheOthers() {
        var state = State(perHost: 4, maximum: 4, maximumWaiting: 9)
        let links = [Link(), Link(), Link()]
        for (number, link) in links.enumerated() {
            _ = state.submit(number, to: a)
            _ = state.connected(link, to: a)
        }
        for link in links { _ = state.released(link, of: a) }
        var used: [Link] = []
        for _ in 0..<3 {
            if case .use(let link) = state.submit(0, to: a, isOnCurrentLoop: { $0 === links[1] }) { used.append(link) }
        }
        #expect(used.map(ObjectIdentifier.init) == [links[1], links[2], links[0]].map(ObjectIdentifier.init))
    }

    @Test func waitersAreServedInOrderAndLimitsKept() {
        var state = State(perHost: 1, maximum: 9, maximumWaiting: 3)
        let link = Link()
        #expect(connects(state.submit(0, to: a)))
        #expect(!connects(state.submit(1, to: a)))
        #expect(!connects(state.submit(2, to: a)))
        guard case .tooMany = state.submit(3, to: a) else {
            Issue.record("one too many was queued")
            return
        }
        #expect(served(state.connected(link, to: a)) == 0)
        #expect(served(state.released(link, of: a)) == 1)
        #expect(served(state.released(link, of: a)) == 2)
        #expect(isIdle(state.released(link, of: a)))
    }

    @Test func aRetryGetsOnlyANewConnection() {
        var state = State(perHost: 2, maximum: 9, maximumWaiting: 9)
        let (old, new) = (Link(), Link())
        _ = state.submit(0, to: a)
        _ = state.connected(old, to: a)
        #expect(connects(state.resubmit(7, to: a)))
        #expect(isIdle(state.released(old, of: a)))
        #expect(served(state.connected(new, to: a)) == 7)
    }

    @Test func aRetryAtTheLimitTakesThePlaceOfAnOldConnection() {
        var state = State(perHost: 1, maximum: 9, maximumWaiting: 9)
        let old = Link()
        _ = state.submit(0, to: a)
        _ = state.connected(old, to: a)
        #expect(!connects(state.resubmit(7, to: a)))
        guard case .close = state.released(old, of: a) else {
            Issue.record("the old connection was kept")
            return
        }
        #expect(state.removed(old, of: a) == [a])
        #expect(served(state.connected(Link(), to: a)) == 7)
    }

    @Test func aFullPoolMakesRoomForAnotherHost() {
        var state = State(perHost: 2, maximum: 1, maximumWaiting: 9)
        let link = Link()
        _ = state.submit(0, to: a)
        _ = state.connected(link, to: a)
        _ = state.released(link, of: a)
        guard case .queued(connect: false, let evicted?) = state.submit(1, to: b) else {
            Issue.record("nothing was evicted")
            return
        }
        #expect(evicted === link)
        #expect(state.removed(link, of: a) == [b])
    }

    @Test func aFailedAttemptFailsOneOrAll() {
        var state = State(perHost: 2, maximum: 9, maximumWaiting: 9)
        for waiter in 0..<5 { _ = state.submit(waiter, to: a) }
        let first = state.attemptFailed(a)
        #expect(first.failed == [0])
        #expect(first.connect == [a])
        #expect(served(state.connected(Link(), to: a)) == 1)
        let second = state.attemptFailed(a)
        #expect(second.failed == [2])
        #expect(state.waiters == 2)
        var lone = State(perHost: 1, maximum: 9, maximumWaiting: 9)
        for waiter in 0..<5 { _ = lone.submit(waiter, to: a) }
        #expect(lone.attemptFailed(a).failed == [0, 1, 2, 3, 4])
        #expect(lone.waiters == 0)
    }

    @Test func closing() {
        var state = State(perHost: 2, maximum: 9, maximumWaiting: 9)
        let link = Link()
        _ = state.submit(0, to: a)
        _ = state.connected(link, to: a)
        _ = state.released(link, of: a)
        _ = state.submit(1, to: b)
        let (waiters, idle) = state.close()
        #expect(waiters == [1])
        #expect(idle.count == 1)
        #expect(!state.isDrained)
        #expect(state.removed(link, of: a).isEmpty)
        #expect(state.attemptFailed(b).connect.isEmpty)
        #expect(state.isDrained)
    }
}
