/// How far the fan-out of one bulletin has come, so that a large one goes on in a later transaction, also after a crash.
///
/// A fan-out has two walks. The first is over the receivers of other bulletins: of the earlier revisions, and of the
/// proposal that is answered. Its sources are walked from the newest to the oldest, each by its endpoints. The second is
/// over the bulletin's own matches: the legs of the subscriptions' index (`RoutingLeg`) in their order, each by region and
/// endpoint. A first revision that answers nothing has only the second walk; a withdrawal has only the first.
package enum FanoutCursor: Sendable, Equatable {
    /// A row of the subscriptions' index, by the leg that reached it.
    package struct Match: Sendable, Equatable {
        /// The index of the leg in `Bulletin.routingLegs`.
        package let leg: Int64
        package let region: Int64
        package let endpoint: Int64

        package init(leg: Int64, region: Int64, endpoint: Int64) {
            (self.leg, self.region, self.endpoint) = (leg, region, endpoint)
        }
    }

    /// No transaction has looked at the bulletin.
    case unstarted
    /// The next receiver is that of the bulletin `source` with the lowest endpoint above `after`; nil before the first.
    case receivers(of: Int64, after: Int64?)
    /// All receivers are done. The next row is the first one behind this match; nil before the first.
    case matches(after: Match?)

    package var isUnstarted: Bool { self == .unstarted }

    /// Whether receivers of other bulletins are left to walk.
    package func hasReceivers(revision: Int64, isAnswer: Bool) -> Bool {
        switch self {
        case .unstarted, .receivers: revision > 1 || isAnswer
        case .matches: false
        }
    }

    /// The cursor at the beginning of a source; behind all sources if it is nil.
    package static func source(_ number: Int64?) -> FanoutCursor {
        number.map { .receivers(of: $0, after: nil) } ?? .matches(after: nil)
    }

    /// The cursor after a look at a chunk of a source's receivers. `last` is the endpoint of the chunk's last row. A chunk
    /// that was not full was the source's last one, so that `next`, the source before it, comes next.
    package func advanced(past last: Int64, isFull: Bool, next: Int64?) -> FanoutCursor {
        guard case .receivers(let source, _) = self else { return self }
        return isFull ? .receivers(of: source, after: last) : .source(next)
    }

    /// The cursor after the bulletin's legs have changed. The walk over the matches begins anew: deliveries that exist
    /// stay, and no endpoint gets a second one. A walk over receivers goes on, since legs do not concern it.
    package var restarted: FanoutCursor {
        switch self {
        case .unstarted, .receivers: self
        case .matches: .matches(after: nil)
        }
    }
}

/// The order in which the due deliveries of several bulletins of one urgency are sent: by their turns, in milliseconds.
///
/// The n-th delivery of a bulletin counts as if it had come n seconds after the first, so a small bulletin does not wait
/// for all deliveries of a large one.
package enum FairTurn {
    /// Deliveries that have the same turn. A run shares its rendered mail, and its rows are neighbours in the table.
    package static let run = 64

    /// The milliseconds between the turns of two deliveries.
    package static let step: Int64 = 1000

    /// The turn of a row among those that are made from the turn `start` on, counted from 0.
    package static func turn(ofRow row: Int, from start: Int64) -> Int64 { start + Int64(row / run * run) * step }

    /// The turn of the next delivery after `made` more of them.
    package static func next(after made: Int, from turn: Int64) -> Int64 { turn + Int64(made) * step }
}

/// The result of one call of `FanoutStore.fanOut`.
package struct FanoutStep: Sendable, Equatable {
    /// The number of deliveries that were made.
    package var deliveries = 0
    /// The number of bulletins whose fan-out came to its end.
    package var routed = 0
    /// Whether another call has work to do.
    package var hasMore = false
    /// Whether emergencies are among that work.
    package var hasEmergencies = false

    package init() {}
}
