// The contract between the program and its database. A new store is written from this page: the value types are in the
// folders of the stages, the decisions in `Rules`, and StorageConformance has at least one test for each requirement.
//
// The following holds for every requirement, unless its comment says otherwise.
//
// Atomicity:   A requirement that writes is one transaction. Once it returns, the write survives a crash of the process
//              and of the machine. If it throws, it has written nothing. A write that has begun is finished even if the
//              task is cancelled, since a mail that was sent has to be recorded.
// Decisions:   The store reads facts, asks a rule from `Rules` and applies the answer in the same transaction. No
//              statement decides what a rule can decide.
// Time:        `now` is the caller's clock. The store reads no clock, so tests set the time.
// Order:       Numbers of bulletins, deliveries and outbox messages grow in the order of commits and are never reused.
// Cost:        A statement finds its rows by an index; its cost does not grow with the rows that are finished. Reads do
//              not block writers. A transaction touches about `limit` rows, so that no writer waits for long.
// Errors:      `StoreError.busy` and `.unavailable` mean that the caller should try the same call again later.
// Concurrency: Any number of tasks and of processes call the store simultaneously.

package import Bulletins

// MARK: - Intake

/// The requirements of intake: it records messages that the broker delivered.
package protocol IntakeStore: Sendable {
    /// The registered publishers with these slugs. Unknown slugs are left out.
    func publishers(named slugs: Set<String>) async throws(StoreError) -> [String: Publisher]

    /// Records a batch of judged messages together with their receipts, and returns one outcome per message, in order.
    ///
    /// The caller acknowledges the messages to the broker only after this returns, so a crash in between delivers them
    /// again. Recording a message twice is therefore safe: `RevisionRule` finds the duplicate. A message sees the
    /// messages before it in the same batch. `FirstState` decides how a new revision begins, and a public revision
    /// replaces the earlier ones in the same transaction. One transaction per batch: its fixed costs, a disk sync above
    /// all, are shared by the messages.
    func record(_ messages: [IncomingBulletin], now: Timestamp) async throws(StoreError) -> [IntakeOutcome]

    /// Judges bulletins one after the other as `record` would, and writes nothing. A dry run calls it.
    func rehearse(_ bulletins: [AcceptedBulletin], now: Timestamp) async throws(StoreError) -> [RehearsedOutcome]
}

// MARK: - Fan-out

/// The requirements of the fan-out: it turns recorded bulletins into deliveries.
package protocol FanoutStore: Sendable {
    /// Makes deliveries of public bulletins in one transaction of about `limit` rows.
    ///
    /// The most urgent bulletins come first, and among equals the one that has advanced least. A small bulletin is
    /// finished within the transaction; a large one stops, keeps its `FanoutCursor` and goes on in a later call, also
    /// after a crash. An endpoint gets at most one delivery per revision, however many of its subscriptions match. The
    /// receivers of an earlier revision, or of the proposal that is answered, come before the matches. An earlier
    /// revision, and the proposal, are routed before this bulletin. The receipt `routed` is written with the last row.
    func fanOut(limit: Int, now: Timestamp) async throws(StoreError) -> FanoutStep

    /// Ends pending deliveries of withdrawn, superseded and expired bulletins, about `limit` rows per transaction.
    /// Returns the number of rows it looked at, 0 once nothing is left. A claim checks the bulletin's state itself, so
    /// nothing of it is sent in the meantime.
    func endPending(limit: Int, now: Timestamp) async throws(StoreError) -> Int

    /// Writes the receipt `completed` of large bulletins, and returns how many it wrote. Counting the deliveries of a
    /// large bulletin takes seconds, so the count is read outside the transaction that writes the receipt.
    func completeLarge(now: Timestamp) async throws(StoreError) -> Int

    /// Publishes scheduled bulletins whose time has come and ends expired ones, up to `limit` of each. Returns the time
    /// of the next one that is due; a time in the past asks for another call.
    func publishScheduled(limit: Int, now: Timestamp) async throws(StoreError) -> Timestamp?
}

// MARK: - Deliveries

/// The requirements of claiming deliveries and of recording how they ended. The pushes of the hub have these and no more.
package protocol ClaimStore: Sendable {
    /// Claims up to `limit` due deliveries of a channel under one lease: emergencies first, and within a priority a fair
    /// share of each bulletin. Digests have `claimDigests`. Each delivery comes with its halt (`HaltRule`).
    func claim(
        _ channel: Channel, limit: Int, emergenciesOnly: Bool, owner: LeaseOwner, until: Timestamp, now: Timestamp
    ) async throws(StoreError) -> [ClaimedDelivery]

    /// Why claimed deliveries must not be sent any more, as of what is committed when this is called; deliveries that may
    /// be sent are not in the result (`HaltRule`).
    ///
    /// It is asked right before each send and must cost next to nothing while nothing is taken back. A store across a
    /// network may answer all calls that arrive during one query by the next query: the answer then is of a later state,
    /// which is as good.
    func halts(of deliveries: [ClaimedDelivery]) async throws(StoreError) -> [Int64: DeliveryHalt]

    /// Records outcomes in one transaction (`AttemptRule`, `EndpointRules`; for pushes `PushRule`). An outcome counts only
    /// if the delivery is still under the lease of its claim; the others are returned as lost.
    func record(_ attempts: [AttemptRecord], now: Timestamp) async throws(StoreError) -> Recording

    /// Renews all leases of an owner.
    func renew(owner: LeaseOwner, until: Timestamp) async throws(StoreError)

    /// The owners of deliveries that are being sent, each with the latest end of its leases.
    func leases() async throws(StoreError) -> [OwnerLease]

    /// Makes the deliveries of dead owners due again, and returns how many there were. Their endpoints may have got them.
    func reclaim(from owners: [LeaseOwner], now: Timestamp) async throws(StoreError) -> Int

    /// The time at which the next delivery of a channel is due; nil if none is pending.
    func nextDue(_ channel: Channel) async throws(StoreError) -> Timestamp?
}

/// The requirements of the delivery engine.
package protocol DeliveryStore: ClaimStore {
    /// Claims the deliveries of up to `limit` digests whose windows have ended, each with all its deliveries up to
    /// `longestDigest`.
    func claimDigests(limit: Int, owner: LeaseOwner, until: Timestamp, now: Timestamp)
        async throws(StoreError) -> [[ClaimedDelivery]]

    /// The bulletins of claimed deliveries, by number. A bulletin that was removed is left out.
    func contents(of bulletins: Set<Int64>) async throws(StoreError) -> [Int64: DeliveryContent]
}

// MARK: - Receipts and notices

/// The requirements of the two stages that send what the store has written for others: receipts and rejected messages to
/// the broker, notices to owners of endpoints and to operators.
package protocol OutboxStore: Sendable {
    /// The oldest waiting messages with a number above `number`, in the order of their numbers. Returns fewer than
    /// `limit` if their bodies together are larger than a few MiB. Messages stay until they are removed, so a crash
    /// sends them again under the same receipt ids.
    func outboxMessages(after number: Int64, limit: Int) async throws(StoreError) -> [OutboxMessage]

    /// Removes messages that the broker has confirmed. Unknown numbers are ignored. A former holder of the duty may
    /// remove, too: the broker has the message, no matter which worker published it. Were the removal refused, two workers and a broker
    /// that confirms slowly would publish it in turn without end.
    func removeOutboxMessages(_ numbers: [Int64]) async throws(StoreError)

    /// The oldest notices that are due.
    func dueNotices(limit: Int, now: Timestamp) async throws(StoreError) -> [Notice]

    /// Removes a notice that was sent or given up, also for a former holder of the duty.
    func removeNotice(_ number: Int64) async throws(StoreError)

    /// Makes a notice due again at `until` and counts one more attempt. Nothing happens if another worker has counted an
    /// attempt since this one read the notice.
    func postpone(_ notice: Notice, until: Timestamp) async throws(StoreError)
}

// MARK: - Feeds

/// The requirements of the portal's public pages and feeds. All of them only read, except `record(fetches:)`.
package protocol FeedStore: Sendable {
    /// A number that grows whenever any public feed changes, in the transaction of that change. A cached feed is valid
    /// while the number is the same. Every request asks for it, so it has to cost microseconds; it may block the thread
    /// for them.
    func feedGeneration() throws(StoreError) -> Int64

    /// A page of a feed: the newest routed revision of each bulletin, withdrawals included, expired bulletins excluded.
    /// Nil if the publisher or the token is unknown. `FeedRule` decides in which lists a bulletin is put, so a page is
    /// the start of a few sorted lists and costs the same however much is stored.
    func feedEntries(_ source: FeedSource, _ start: FeedStart, limit: Int) async throws(StoreError) -> FeedListing?

    /// The bulletins of these entries, in the order of the entries. A bulletin that has been removed since is left out.
    func feedBulletins(_ entries: [FeedEntry]) async throws(StoreError) -> [FeedBulletin]

    /// The given revision of a bulletin, if it is in feeds at present.
    func feedBulletin(_ id: BulletinID, revision: Int64) async throws(StoreError) -> FeedBulletin?

    /// The revisions of a bulletin that are or were in feeds, oldest first.
    func publicRevisions(of id: BulletinID) async throws(StoreError) -> [PublicRevision]

    /// Notes when the private feeds of these endpoints were last fetched. The portal collects the times for a few
    /// seconds, so one transaction serves thousands of requests. Unknown endpoints are ignored.
    func record(fetches: [Int64: Timestamp]) async throws(StoreError)

    /// The latest public revision of a bulletin; nil while it is held or scheduled, or if it is unknown.
    func publicBulletin(_ id: BulletinID) async throws(StoreError) -> StoredBulletin?

    /// The state to which the last public answer moved a proposal; nil if there is no such answer. `AnswerRule` says
    /// which answers count.
    func answer(to proposal: BulletinID) async throws(StoreError) -> Bulletin.Proposal?
}

// MARK: - Hub

/// The requirements of the WebSub hub.
package protocol HubStore: Sendable {
    /// Takes a request, so that its callback is asked whatever happens. `network` is where it came from.
    func ask(_ request: HubRequest, from network: String, limits: HubLimits, now: Timestamp)
        async throws(StoreError) -> HubAdmission

    /// The questions and messages for callbacks, oldest first; one at a time per callback and topic.
    func dueVerifications(limit: Int, now: Timestamp) async throws(StoreError) -> [HubVerification]

    /// Does what the verdict says, in one transaction; nothing if the verification was settled before.
    func settle(_ verification: HubVerification, _ verdict: HubVerdict, limits: HubLimits, now: Timestamp)
        async throws(StoreError)

    /// Ends an active subscription, and has its callback told why. Returns false if no such subscription is active.
    func deny(_ subscription: Int64, reason: String, now: Timestamp) async throws(StoreError) -> Bool

    /// The facts that the push of an active subscription needs; nil if it has ended.
    func push(_ subscription: Int64) async throws(StoreError) -> HubPush?

    /// The pushes that are due, each under the number of its subscription.
    var pushes: any ClaimStore { get }

    /// Subscriptions with a number below `number`, newest first.
    func hubSubscriptions(before number: Int64, limit: Int) async throws(StoreError) -> [HubSubscriptionRow]
    /// A subscription with its pushes, if there is one of that number.
    func hubSubscription(_ number: Int64) async throws(StoreError) -> (HubSubscriptionRow, [AttemptRow])?
}

// MARK: - Subscribers

/// Makes the keys of webhooks. They are not stored, so a copy of the database alone has none.
package protocol WebhookKeyStore: Sendable {
    /// The key of an HMAC, 32 bytes, for signing in this process.
    func webhookKey(endpoint: Int64, version: Int64) -> [UInt8]

    /// The same key as its owner gets it: `whsec_` and its base64.
    func webhookSecret(endpoint: Int64, version: Int64) -> String

    /// The seed of an Ed25519 key (RFC 8032 section 5.1.5), 32 bytes, for signing in this process.
    func webhookSeed(endpoint: Int64, version: Int64) -> [UInt8]
}

/// The requirements of everything that concerns receivers: their subscriptions, endpoints and webhooks, the links in
/// their mails, bounces, the suppression list, and erasure.
package protocol SubscriberStore: WebhookKeyStore {
    // Subscriptions

    /// Adds subscriptions and the endpoints and subscribers that they need, and returns one row per wish, in order.
    ///
    /// A subscription that exists is returned unchanged, so an import can be repeated. The owner, the home region and
    /// the terms of a wish apply to its endpoint from now on. A region that was replaced becomes its successors
    /// (`SuccessionRule`). A new webhook or feed endpoint comes with its secret, which no later call returns. `zones`
    /// says in which time zone a home region's digests are due.
    func add(_ wishes: [SubscriptionWish], zones: TimeZones, now: Timestamp) async throws(StoreError)
        -> [StoredSubscription]

    /// The subscriptions of these endpoints that have not ended. All spellings of a mail address are one endpoint.
    func subscriptions(at endpoints: [Endpoint]) async throws(StoreError) -> [StoredSubscription]

    /// The subscriptions with a number above `number` that have not ended, in the order of their numbers.
    func subscriptions(after number: Int64, limit: Int) async throws(StoreError) -> [StoredSubscription]

    /// Ends a subscription and returns true; returns false if it is unknown or has ended. `SubscriptionEndRule` decides
    /// what becomes of its unfinished deliveries.
    func removeSubscription(_ number: Int64, now: Timestamp) async throws(StoreError) -> Bool

    // Links in mails

    /// Ends the subscriptions within `scope` of the link with this token, and returns false if no link has the token.
    /// A token outlives its subscription: a second click returns true and changes nothing. `SubscriptionEndRule`
    /// decides what the scope covers and what becomes of unfinished deliveries.
    func unsubscribe(tokenHash: [UInt8], scope: UnsubscribeScope, now: Timestamp) async throws(StoreError) -> Bool

    /// Whether some subscription, active or ended, has a link with this token.
    func hasUnsubscribeToken(hash: [UInt8]) async throws(StoreError) -> Bool

    // Webhooks

    /// The webhook of a subscription that has not ended, or nil.
    func webhook(of subscription: Int64, now: Timestamp) async throws(StoreError) -> WebhookEndpoint?

    /// Notes that an endpoint has answered its challenge, and activates it and its subscriptions. Calling it again
    /// changes nothing but the endpoint's health.
    func markVerified(endpoint: Int64, now: Timestamp) async throws(StoreError)

    /// Gives the webhook of a subscription new keys and returns the subscription with the new secret; nil if there is
    /// no such webhook. The present keys sign beside the new ones until `overlapEnds`; older keys sign no more.
    func rotateSecret(ofSubscription number: Int64, overlapEnds: Timestamp, now: Timestamp) async throws(StoreError)
        -> StoredSubscription?

    // Bounces

    /// The key that signs return paths: 32 bytes, the same for the whole life of a store.
    var bounceKey: [UInt8] { get }

    /// Records a bounce. A delivered delivery becomes `bounced`, together with the other bulletins of its digest; its
    /// publisher gets a receipt; and an address that does not exist, or whose owner complained, is suppressed. The
    /// same report twice is recorded once. Returns `underWay` while the attempt that it answers is unrecorded.
    func record(_ bounce: Bounce, of delivery: Int64, now: Timestamp) async throws(StoreError) -> BounceEffect

    /// The bounces of a delivery, in the order in which they were recorded.
    func bounces(of delivery: Int64) async throws(StoreError) -> [BounceRow]

    // Suppression

    /// Puts a mail address on the suppression list, for all its spellings. Pending deliveries to it are not sent.
    func suppress(_ address: String, why: String, now: Timestamp) async throws(StoreError)

    /// Takes an address off the list and forgets its failures; returns false if it is not on the list.
    func unsuppress(_ address: String) async throws(StoreError) -> Bool

    /// The first `limit` entries of the list after `address`, by address.
    func suppressions(after address: String, limit: Int) async throws(StoreError) -> [Suppression]

    // Erasure

    /// Ends all subscriptions of an address on every channel and forgets the address. A keyed hash stays, by which a
    /// suppressed address remains suppressed. Returns the number of places that knew the address, 0 if none did.
    ///
    /// The address is unreachable after one short transaction. Error texts of receivers, which may contain it, are
    /// removed in further transactions; `finishErasures` goes on after a crash.
    func erase(_ address: String, now: Timestamp) async throws(StoreError) -> Int

    // Spellings

    /// Endpoints that are spellings of one address, each with subscriptions, as older versions made them. May read all
    /// endpoints, outside any transaction that writes: an operator asks for it once after an update.
    func addressDoubles() async throws(StoreError) -> [AddressDouble]

    /// Gives the subscriptions and deliveries of all spellings to the first one in one transaction. Subscriptions keep
    /// their numbers, so links in mails go on working. Returns `routing` and changes nothing while a fan-out is under
    /// way, since it may have passed the place to which a subscription moves.
    func merge(_ double: AddressDouble, now: Timestamp) async throws(StoreError) -> MergeOutcome
}

// MARK: - Operators

/// The requirements of operators: registering publishers, listings, decisions, retries, regions and coverage.
package protocol OperatorStore: Sendable {
    /// A short name that the store makes when it is first asked, and keeps. Receipt ids begin with it, so ids of two
    /// installations differ.
    func identity() async throws(StoreError) -> String

    // Publishers

    /// Adds publishers, and replaces those with the same slug.
    func save(_ publishers: [Publisher], now: Timestamp) async throws(StoreError)

    /// The first `limit` publishers after `slug`, by slug.
    func publishers(after slug: String, limit: Int) async throws(StoreError) -> [Publisher]

    /// Removes a publisher; returns false if the slug is unknown. Its bulletins stay.
    func removePublisher(_ slug: String, now: Timestamp) async throws(StoreError) -> Bool

    // Listings

    /// The work that is unfinished. Health checks ask for it every few seconds, so it counts by indexes that contain
    /// only unfinished rows.
    func backlog() async throws(StoreError) -> Backlog

    /// Revisions with a number below `number`, with the counts of their deliveries, newest first; only the revisions of
    /// one bulletin if `id` is given.
    func bulletins(id: BulletinID?, before number: Int64, limit: Int) async throws(StoreError) -> [BulletinRow]

    /// The bulletins that answer a proposal and were not rejected, newest first.
    func answers(to proposal: BulletinID) async throws(StoreError) -> [BulletinRow]

    /// Deliveries with a number below `number` that match the filter, newest first. May walk all deliveries backward until
    /// `limit` are found.
    func deliveries(_ filter: DeliveryFilter, before number: Int64, limit: Int) async throws(StoreError)
        -> [DeliveryRow]

    /// A delivery with its attempts; nil if the number is unknown.
    func delivery(_ number: Int64) async throws(StoreError) -> (DeliveryRow, [AttemptRow])?

    /// Counts of deliveries by channel and state. May read all deliveries.
    func deliverySummary() async throws(StoreError) -> [DeliveryCount]

    /// Rejected messages with a number below `number`, newest first.
    func rejections(before number: Int64, limit: Int) async throws(StoreError) -> [RejectedMessage]

    /// A rejected message with its body; nil if the number is unknown.
    func rejection(_ number: Int64) async throws(StoreError) -> RejectedMessage?

    // Decisions

    /// Releases a bulletin whose newest revision is held, and returns its new state (`FirstState`); nil if it is not
    /// held. It replaces earlier revisions and writes its receipts in the same transaction.
    func approve(_ id: BulletinID, now: Timestamp) async throws(StoreError) -> BulletinState?

    /// Rejects a bulletin whose newest revision is held, with a receipt; returns false if it is not held.
    func reject(_ id: BulletinID, why: String, now: Timestamp) async throws(StoreError) -> Bool

    /// Notes that a rejected message was judged again and recorded.
    func markRequeued(_ rejection: Int64, now: Timestamp) async throws(StoreError)

    // Retries

    /// The deliveries named by number that may not be tried again, each with the reason.
    func retryRefusals(_ selection: RetrySelection, now: Timestamp) async throws(StoreError) -> [RetryRefusal]

    /// Makes selected deliveries pending again with a fresh retry schedule: up to `limit` of those with a number above
    /// `after`, in the order of their numbers. Returns them; an empty result ends the caller's loop. A completed
    /// bulletin becomes incomplete and gets another receipt `completed` at its end.
    func retry(_ selection: RetrySelection, after: Int64, limit: Int, now: Timestamp)
        async throws(StoreError) -> [DeliveryRow]

    // Regions and coverage

    /// Replaces retired regions by their successors everywhere (`SuccessionRule`), tells the owners, and returns the
    /// moved subscriptions.
    ///
    /// The first transaction stores the successors and moves publishers' scopes and waiting bulletins; from then on new
    /// subscriptions and bulletins use the successors. Subscriptions follow in many short transactions while deliveries
    /// go on. A bulletin that is routed in the meantime reaches both those that have moved and those that have not. An
    /// interrupted call can be repeated.
    func replaceRegions(_ successors: [Region: [Region]], names: [Region: String], zones: TimeZones, now: Timestamp)
        async throws(StoreError) -> [MovedSubscription]

    /// The number of endpoints that a bulletin would reach now, by channel and subscribed region. Finds subscriptions
    /// by the same index as the fan-out.
    func reach(of bulletin: Bulletin) async throws(StoreError) -> [ReachCount]

    /// Deliveries of a bulletin's newest revision, by subscribed region and state.
    func coverage(of id: BulletinID) async throws(StoreError) -> [RegionCount]
}

// MARK: - Upkeep

/// The requirements of duties, which only one worker per store may perform. A write that takes a `DutyHold` throws
/// `StoreError.superseded` if another worker has taken the duty over.
package protocol DutyStore: Sendable {
    /// Claims a duty until `until`, or renews it. Returns nil while another holder has it. The epoch of the hold grows
    /// with each change of holder. An end that is further away than any term was written by a clock that was ahead, and
    /// does not count.
    func claim(_ duty: Duty, by holder: String, until: Timestamp, now: Timestamp) async throws(StoreError) -> DutyHold?

    /// Ends the hold, so that another worker may claim the duty. Nothing happens if another one has.
    func release(_ hold: DutyHold) async throws(StoreError)
}

/// The requirements of upkeep: retention, erasure, and the correction of times that a wrong clock wrote.
package protocol UpkeepStore: DutyStore {
    /// Removes rows that were kept long enough, about `limit` of one kind per transaction, and returns how many; 0 ends a
    /// round over all kinds.
    func prune(_ retention: Retention, limit: Int, as hold: DutyHold, now: Timestamp) async throws(StoreError) -> Int

    /// Continues erasures until no trace is left, and waits for readers of older states up to `patience`. Returns whether
    /// all are done.
    func finishErasures(patience: Duration) async throws(StoreError) -> Bool

    /// Brings back to now what waits for a time further ahead than `limits` allows, about `limit` rows of each kind in one
    /// transaction. An empty result says that nothing is left.
    func mendWaits(_ limits: ClockLimits, limit: Int, as hold: DutyHold, now: Timestamp) async throws(StoreError)
        -> [MendedTimes]

    /// Notes what the clock shows. `elapsed` is the time since this worker last noted it, by a clock that never jumps; nil
    /// for the first time. A clock that went back begins a walk over the times of finished rows; one that went ahead makes
    /// retention hold.
    func noteClock(elapsed: Duration?, _ limits: ClockLimits, as hold: DutyHold, now: Timestamp)
        async throws(StoreError)
        -> ClockFinding

    /// Takes one step of the walk, and returns how many rows it corrected; nil if no walk is under way.
    func walkTimes(_ limits: ClockLimits, as hold: DutyHold, now: Timestamp) async throws(StoreError) -> Int?

    /// The time for which retention still removes nothing; nil if it may.
    func retentionHold(now: Timestamp) async throws(StoreError) -> Duration?

    /// Accepts the present time as right, and ends the hold of retention.
    func trustClock(now: Timestamp) async throws(StoreError)
}

// MARK: - Everything, and capabilities

/// A complete store. Stages and handlers take the narrowest protocol that serves them.
package typealias Store = IntakeStore & FanoutStore & DeliveryStore & OutboxStore & FeedStore & HubStore
    & SubscriberStore & OperatorStore & UpkeepStore

/// The capability of a store in files that keep their size when rows are removed.
package protocol ShrinkableStore: Sendable {
    /// Returns some of the free space to the file system, and says whether there is more. The call is short, and its
    /// caller rests between two calls.
    func shrink() async throws(StoreError) -> Bool
}

/// The capability of a store that notices by itself that it cannot be used, before a stage has to find out.
package protocol WatchedStore: Sendable {
    /// Hears of troubles while a writer still waits.
    var watch: StoreWatch { get }

    /// Throws if the store cannot be used: its files were removed or replaced, or the disk refuses writes.
    func check() async throws(StoreError)

    /// The size of the log of recent transactions in bytes; 0 for a store without a log. Costs a look at the file system.
    var logSize: Int { get }
}
