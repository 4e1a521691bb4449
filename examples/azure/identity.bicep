// One identity for one environment, and whom it trusts: GitHub's job of that environment, and nobody else.
// Deploy once for each environment, into the resource group of that environment.
targetScope = 'resourceGroup'

@description('The environment in lockgate.yml and in the repository settings; or "build" for the identity that builds')
param environmentName string

@description('OWNER/REPOSITORY, or for newer repositories OWNER@<id>/REPOSITORY@<id>: as `lockgate` prints it on a mismatch')
param repository string

@description('What the job is: environment:production for one that deploys, ref:refs/heads/main for the one that builds')
param jobContext string = 'environment:${environmentName}'

@description('Admits one workflow only: OWNER/lockgate/.github/workflows/deploy.yml@COMMIT, as your workflow pins it. A preview of Azure')
param workflow string = ''

param location string = resourceGroup().location

var quote = base64ToString('Jw==') // an apostrophe

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'lockgate-${environmentName}'
  location: location
}

resource trust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (empty(workflow)) {
  parent: identity
  name: 'github-${environmentName}'
  properties: {
    issuer: 'https://token.actions.githubusercontent.com'
    subject: 'repo:${repository}:${jobContext}'
    audiences: [ 'api://AzureADTokenExchange' ]
  }
}

resource flexible 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2025-01-31-preview' = if (!empty(workflow)) {
  parent: identity
  name: 'github-${environmentName}-workflow'
  properties: {
    issuer: 'https://token.actions.githubusercontent.com'
    audiences: [ 'api://AzureADTokenExchange' ]
    claimsMatchingExpression: {
      languageVersion: 1
      value: format('claims[{0}sub{0}] matches {0}{1}{0} and claims[{0}job_workflow_ref{0}] matches {0}{2}{0}', quote, 'repo:${repository}:${jobContext}', workflow)
    }
  }
}

output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
