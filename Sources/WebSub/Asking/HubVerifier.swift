// Asks callbacks whether they want the subscriptions requested for them, and tells them which the hub denies.
//
// Reads:      requests that the hub took.
// Writes:     their results: a subscription begins, is renewed or ends, or nothing changes.
// Guarantees: nothing is pushed to a callback that has not confirmed; a request outlives a crash; each callback and feed
//             has one request under way at a time, in order; one worker per store asks at a time.
// On failure: a callback that fails is asked a few more times, and then its request is dropped.

import Bulletins
package import DeliveryEngine
package import Feeds
package import HTTPPost
import Logging
package import Runtime
import ServiceLifecycle
package import Storage

/// Verifies the intent of subscribers.
package struct HubVerifier: Service {
    private let store: any HubStore & DutyStore
    private let feeds: FeedResponder
    private let settings: HubSettings
    private let client: HTTPPostClient
    private let policy: VerificationPolicy
    private let context: StageContext
    private let underWay = QuestionsUnderWay()

    private static let poll = Duration.seconds(1)
    private static let lookAhead = 500
    /// The number of pauses taken from the schedule of pushes. A subscriber that has just asked should be there.
    private static let tries = 3

    package init(
        store: any HubStore & DutyStore, feeds: FeedResponder, settings: HubSettings, client: HTTPPostClient,
        schedule: RetrySchedule, context: StageContext
    ) {
        self.store = store
        self.feeds = feeds
        self.settings = settings
        self.client = client
        policy = VerificationPolicy(schedule: RetrySchedule(pauses: Array(schedule.pauses.prefix(Self.tries))))
        self.context = context
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var lease = DutyLease(.hub, store: store, clock: context.clock)
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    do throws(StoreError) {
                        for verification in try await next(&lease) {
                            group.addTask { await ask(verification) }
                        }
                    } catch {
                        if !Task.isCancelled { context.logger.wait("verifications wait", for: error) }
                    }
                    await context.hints[.hub].wait(atMost: Self.poll)
                }
            }
            await lease.release()
        }
    }

    /// Returns the requests that are due and that have room. It reads them after the lease is claimed, since another
    /// worker may have settled them before.
    private func next(_ lease: inout DutyLease) async throws(StoreError) -> [HubVerification] {
        if lease.hold == nil {
            guard try await !store.dueVerifications(limit: 1, now: context.clock.now).isEmpty,
                try await lease.claim() != nil
            else { return [] }
        }
        return try await store.dueVerifications(limit: Self.lookAhead, now: context.clock.now).filter {
            underWay.begin($0)
        }
    }

    private func ask(_ verification: HubVerification) async {
        do throws(StoreError) {
            if let verdict = try await verdict(verification) {
                try await store.settle(verification, verdict, limits: settings.limits, now: context.clock.now)
                context.logger.info(
                    "\(verification.mode.rawValue) request \(verification.number) of the hub: \(verdict.word)")
            }
        } catch {
            context.logger.wait("request \(verification.number) of the hub waits", for: error)
        }
        underWay.end(verification)
        context.wakeups.signal(.hub)
    }

    private func verdict(_ verification: HubVerification) async throws(StoreError) -> HubVerdict? {
        if verification.mode == .subscribe, try await !isThere(verification.topic) {
            return .denied("the feed is not there any more")
        }
        // The system's random generator is fit for secrets.
        let challenge = Token.text((0..<32).map { _ in UInt8.random(in: 0...255) })
        let answer: VerificationPolicy.Answer
        do throws(HTTPPostError) {
            let target = try CallbackQuestion.target(
                verification, challenge: challenge, publicURL: settings.publicURL)
            answer = .response(try await client.get(target))
        } catch {
            answer = .error(error)
        }
        return policy.verdict(answer, to: verification, challenge: challenge, now: context.clock.now)
    }

    private func isThere(_ topic: String) async throws(StoreError) -> Bool {
        guard let address = FeedAddress(ownPath: topic) else { return false }
        return try await feeds.feed(address) != nil
    }
}

extension HubVerdict {
    /// The word for the log, which contains no address.
    fileprivate var word: String {
        switch self {
        case .confirmed: "confirmed"
        case .dropped: "dropped"
        case .later: "to be tried again"
        case .denied: "denied"
        }
    }
}
