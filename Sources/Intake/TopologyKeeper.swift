import AMQP
import Logging
import Runtime
import Wording

/// Keeps the exchanges, queues and bindings in place, at the start and while the worker runs.
///
/// A consumer hears nothing of a deleted exchange or a removed binding. Its queue only remains empty, while publishers
/// get their messages back. So the keeper checks them from time to time. With `amqp.declare` it declares and binds
/// everything again; without, the worker is not ready until an operator has done so.
struct TopologyKeeper: Sendable {
    let settings: IntakeSettings
    let troubles: TroubleLog
    let context: StageContext

    private static let part = "topology"

    /// Declares the topology at the start. It waits for a broker that is away; a topology that differs ends the worker
    /// with an error.
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

    /// Declares the topology again if an error suggests that part of it was deleted.
    func declareAgain(after error: any Error) async {
        guard settings.declares, let error = error as? AMQPError, error.isAboutTopology else { return }
        do {
            try await KentonganTopology.topology.declare(on: settings.broker, logger: context.logger)
        } catch {
            troubles.say(Self.part, "cannot be declared again: \(error)")
        }
    }

    /// Checks the topology every `topologyPause` until the task is cancelled.
    func lookForEver() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: settings.topologyPause)
            guard !Task.isCancelled else { return }
            do {
                try await look()
            } catch {
                guard !Task.isCancelled else { return }
                // The consumers report a broker that is away.
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
            // Declared even if nothing is missing: a removed binding cannot be seen, and is made again here.
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
    /// Whether the broker answers, but its exchanges, queues or permissions are not as they should be.
    var isAboutTopology: Bool {
        switch self {
        case .topologyMismatch, .queueMissing, .consumerCancelled, .channelClosed: true
        default: false
        }
    }
}
