import AMQP
import Administration
import ArgumentParser
import Foundation
import Wording
import Worker

/// Ends the program with the exit code of an error: 1 failed, 2 refused input or unknown id, 64 usage, 78 configuration.
enum ExitCodes {
    static func exit(_ error: any Error) -> Never {
        switch error {
        case let error as OperationError:
            Output.complain(error.faults)
            fail(error, 2)
        case let error as ConfigurationError:
            // One line for each fault, so that all can be mended before the next try.
            for fault in error.all.dropLast() { Output.complain("\(fault)") }
            fail(error.all.last ?? error, 78)
        case let error as AMQPError:
            if case .topologyMismatch = error { fail(error, 78) }
            fail(error, 1)
        // The argument parser's own: help, version, usage, and codes that commands choose.
        case is ExitCode, is CleanExit: Kentongan.exit(withError: error)
        default:
            let code = Kentongan.exitCode(for: error)
            if code == .success { Kentongan.exit(withError: error) }
            if code == .validationFailure { failUsage(error) }
            fail(error, 1)
        }
    }

    private static func failUsage(_ error: any Error) -> Never {
        Output.complain("\(Kentongan.message(for: error)); its usage is shown with --help")
        Foundation.exit(ExitCode.validationFailure.rawValue)
    }

    /// Prints one line on stderr and exits.
    private static func fail(_ error: any Error, _ code: Int32) -> Never {
        Output.complain(error.spoken)
        Foundation.exit(code)
    }
}
