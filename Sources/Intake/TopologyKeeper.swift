import AMQP
import Logging
import Runtime
import Wording

/// Sees to it that the exchanges, queues and bindings are there, at the start and as long as the worker runs.
///
/// A consumer hears nothing of an exchange that was deleted, or of a binding that was removed: its queue only stays empty,
/// and publishers' messages come back to them. So this looks now and then. With `amqp.declare` everything is declared and
/// bound again; without, readiness fails until an operator has done so.
struct TopologyKeeper: Sendable {
    let settings: IntakeSettings
    let troubles: TroubleLog
    let context: StageContext

    private static let part = "topology"

    /// A topology that differs ends the worker with an error; a broker that is away is waited for.
    func prepare() async throws {
        guard settings.declares else { return }
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                try await KentonganTopology.topology.declare(on: settings.broker, logger: context.logger)
                return troubles.over(Self.part)
            } catch {
                if case .topologyMismatch = error { throw error }
                troubles.say(Self.part, "cannot be declared: \(error)")
                try? await Task.sleep(for: backoff.next())
            }
        }
    }

    /// A queue that was deleted comes back.
    func declareAgain(after error: any Error) async {
        guard settings.declares, let error = error as? AMQPError, error.isAboutTopology else { return }
        do {
            try await KentonganTopology.topology.declare(on: settings.broker, logger: context.logger)
        } catch {
            troubles.say(Self.part, "cannot be declared again: \(error)")
        }
    }

    func lookForEver() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: settings.topologyPause)
            guard !Task.isCancelled else { return }
            do {
                try await look()
            } catch {
                guard !Task.isCancelled else { return }
                // That the broker is away is said by those that consume.
                guard (error as? AMQPError)?.isAboutTopology ?? true else { continue }
                fail("\(error)")
            }
        }
    }

    private func look() async throws {
        let topology = KentonganTopology.topology
        var found = try await topology.missingObjects(on: settings.broker)
        if settings.declares {
            for difference in found { context.logger.warning("\(difference); it is declared again") }
            // Also where nothing is missing: a binding that was removed cannot be seen, and is made again.
            try await topology.declare(on: settings.broker, logger: context.logger)
        } else {
            found += try await BindingProbe(broker: settings.broker, logger: context.logger).missing(besides: found)
            guard found.isEmpty else {
                let list = found.map(\.description).joined(separator: "; ")
                return fail("\(list); declare what is missing: kentongan topology apply")
            }
        }
        context.readiness.recover(Self.part)
        troubles.over(Self.part)
    }

    private func fail(_ text: String) {
        context.readiness.fail(Self.part, text)
        troubles.say(Self.part, text)
    }
}

extension AMQPError {
    /// The broker is there, and something of its exchanges, queues or rights is not as it should be.
    var isAboutTopology: Bool {
        switch self {
        case .topologyMismatch, .queueMissing, .consumerCancelled, .channelClosed: true
        default: false
        }
    }
}
