// Package e2e holds tests of real processes, in folders by what they are about.
package e2e
