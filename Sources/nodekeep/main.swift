// SPDX-License-Identifier: Apache-2.0
internal import Agent

await CommandLineEntry.run()
