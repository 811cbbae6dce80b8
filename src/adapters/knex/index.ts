export { knexClient, type KnexRouter } from './client'
